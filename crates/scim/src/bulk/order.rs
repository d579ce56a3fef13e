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

/// Tarjan's search for strongly connected components, with a stack of its own instead of recursion: the depth is
/// the client's choice. Components come out after all that they lead to, which is the order wanted here.
struct Search {
    nodes: Vec<Node>,
    open: Vec<usize>,
    clock: usize,
    units: Vec<Vec<usize>>,
}

#[derive(Default)]
struct Node {
    edges: Vec<usize>,
    /// When it was first seen, from 1; 0 before.
    seen: usize,
    /// The earliest open node that it reaches.
    low: usize,
    is_open: bool,
}

impl Search {
    fn new(edges: Vec<Vec<usize>>) -> Self {
        let nodes = edges.into_iter().map(|edges| Node {
            edges,
            ..Node::default()
        });
        Self {
            nodes: nodes.collect(),
            open: Vec::new(),
            clock: 0,
            units: Vec::new(),
        }
    }

    fn seen(&self, node: usize) -> usize {
        self.nodes.get(node).map_or(0, |node| node.seen)
    }

    fn low(&self, node: usize) -> usize {
        self.nodes.get(node).map_or(0, |node| node.low)
    }

    fn lower(&mut self, node: usize, low: usize) {
        if let Some(node) = self.nodes.get_mut(node) {
            node.low = node.low.min(low);
        }
    }

    fn visit(&mut self, root: usize) {
        if self.seen(root) > 0 {
            return;
        }
        // Each with the number of its edges that have been followed.
        let mut path = vec![(root, 0)];
        self.enter(root);
        while let Some((node, followed)) = path.last_mut() {
            let node = *node;
            let edges = self.nodes.get(node).map(|node| &node.edges);
            if let Some(next) = edges.and_then(|edges| edges.get(*followed).copied()) {
                *followed += 1;
                if self.seen(next) == 0 {
                    self.enter(next);
                    path.push((next, 0));
                } else if self.nodes.get(next).is_some_and(|next| next.is_open) {
                    self.lower(node, self.seen(next));
                }
            } else {
                path.pop();
                if let Some((parent, _)) = path.last() {
                    self.lower(*parent, self.low(node));
                }
                self.leave(node);
            }
        }
    }

    fn enter(&mut self, node: usize) {
        self.clock += 1;
        if let Some(entered) = self.nodes.get_mut(node) {
            entered.seen = self.clock;
            entered.low = self.clock;
            entered.is_open = true;
            self.open.push(node);
        }
    }

    /// Closes the unit of a node, if it is the first of it.
    fn leave(&mut self, node: usize) {
        if self.low(node) != self.seen(node) {
            return;
        }
        let mut unit = Vec::new();
        while let Some(member) = self.open.pop() {
            if let Some(closed) = self.nodes.get_mut(member) {
                closed.is_open = false;
            }
            unit.push(member);
            if member == node {
                break;
            }
        }
        unit.sort_unstable();
        self.units.push(unit);
    }
}
