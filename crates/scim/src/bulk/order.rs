//! The order of operations: that of the request, but what an operation refers to is created before it.

use std::collections::HashMap;

use super::{Method, Operation};

/// Groups operations (by index) into units in the order in which they can be carried out. A unit of more than one
/// operation is a circle of creations that refer to each other; it has to succeed or fail as a whole. Within a unit
/// operations are in the order of the request.
///
/// A creation moves up to where it is first needed, all else stays where it is.
#[must_use]
pub fn units(operations: &[Operation]) -> Vec<Vec<usize>> {
    let mut search = Search::new(edges(operations));
    for index in 0..operations.len() {
        search.visit(index);
    }
    search.units
}

/// Which creations each operation refers to.
fn edges(operations: &[Operation]) -> Vec<Vec<usize>> {
    let created: HashMap<&str, usize> = operations
        .iter()
        .enumerate()
        .filter(|(_, operation)| operation.method == Method::Post)
        .filter_map(|(index, operation)| Some((operation.bulk_id.as_deref()?, index)))
        .collect();
    operations
        .iter()
        .map(|operation| {
            let references = operation.references();
            let mut needed: Vec<usize> = references
                .iter()
                .filter_map(|name| created.get(name.as_str()).copied())
                .collect();
            needed.sort_unstable();
            needed
        })
        .collect()
}

/// An operation in the search.
#[derive(Default)]
struct Node {
    needs: Vec<usize>,
    /// When it was first seen, from 1; 0 before.
    seen: usize,
    /// The earliest open node that it reaches.
    low: usize,
    is_open: bool,
}

/// Tarjan's search for strongly connected components, with a stack of its own instead of recursion: the depth is
/// the client's choice. Components come out after all that they lead to, which is the order wanted here.
#[derive(Default)]
struct Search {
    nodes: Vec<Node>,
    open: Vec<usize>,
    clock: usize,
    units: Vec<Vec<usize>>,
}

impl Search {
    fn new(edges: Vec<Vec<usize>>) -> Self {
        let node = |needs| Node {
            needs,
            ..Node::default()
        };
        Self {
            nodes: edges.into_iter().map(node).collect(),
            ..Self::default()
        }
    }

    fn visit(&mut self, root: usize) {
        if !self.enter(root) {
            return;
        }
        // Each with the number of its edges that have been followed.
        let mut path = vec![(root, 0)];
        while let Some((index, followed)) = path.last_mut() {
            let index = *index;
            let node = self.nodes.get(index);
            if let Some(next) = node.and_then(|node| node.needs.get(*followed)).copied() {
                *followed += 1;
                if self.enter(next) {
                    path.push((next, 0));
                } else if let Some(seen) = self.seen_if_open(next) {
                    self.reach(index, seen);
                }
            } else {
                path.pop();
                let low = node.map_or(0, |node| node.low);
                if let Some((parent, _)) = path.last() {
                    self.reach(*parent, low);
                }
                self.leave(index);
            }
        }
    }

    /// Opens a node; false if it has been seen before.
    fn enter(&mut self, index: usize) -> bool {
        let Some(node) = self.nodes.get_mut(index).filter(|node| node.seen == 0) else {
            return false;
        };
        self.clock += 1;
        node.seen = self.clock;
        node.low = self.clock;
        node.is_open = true;
        self.open.push(index);
        true
    }

    fn seen_if_open(&self, index: usize) -> Option<usize> {
        let node = self.nodes.get(index)?;
        node.is_open.then_some(node.seen)
    }

    /// A node reaches one that was seen then.
    fn reach(&mut self, index: usize, seen: usize) {
        if let Some(node) = self.nodes.get_mut(index) {
            node.low = node.low.min(seen);
        }
    }

    /// Closes the unit of a node, if it is the first of it.
    fn leave(&mut self, index: usize) {
        let is_first = |node: &Node| node.low == node.seen;
        if self.nodes.get(index).is_none_or(|node| !is_first(node)) {
            return;
        }
        let mut unit = Vec::new();
        while let Some(member) = self.open.pop() {
            if let Some(node) = self.nodes.get_mut(member) {
                node.is_open = false;
            }
            unit.push(member);
            if member == index {
                break;
            }
        }
        unit.sort_unstable();
        self.units.push(unit);
    }
}
