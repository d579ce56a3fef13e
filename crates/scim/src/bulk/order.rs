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
    edges: Vec<Vec<usize>>,
    /// When a node was first seen, from 1; 0 before.
    seen: Vec<usize>,
    /// The earliest open node that a node reaches.
    low: Vec<usize>,
    is_open: Vec<bool>,
    open: Vec<usize>,
    clock: usize,
    units: Vec<Vec<usize>>,
}

impl Search {
    fn new(edges: Vec<Vec<usize>>) -> Self {
        let count = edges.len();
        Self {
            edges,
            seen: vec![0; count],
            low: vec![0; count],
            is_open: vec![false; count],
            open: Vec::new(),
            clock: 0,
            units: Vec::new(),
        }
    }

    fn visit(&mut self, root: usize) {
        if self.seen[root] > 0 {
            return;
        }
        // Each with the number of its edges that have been followed.
        let mut path = vec![(root, 0)];
        self.enter(root);
        while let Some((node, followed)) = path.last_mut() {
            let node = *node;
            match self.edges[node].get(*followed).copied() {
                Some(next) => {
                    *followed += 1;
                    if self.seen[next] == 0 {
                        self.enter(next);
                        path.push((next, 0));
                    } else if self.is_open[next] {
                        self.low[node] = self.low[node].min(self.seen[next]);
                    }
                }
                None => {
                    path.pop();
                    if let Some((parent, _)) = path.last() {
                        self.low[*parent] = self.low[*parent].min(self.low[node]);
                    }
                    self.leave(node);
                }
            }
        }
    }

    fn enter(&mut self, node: usize) {
        self.clock += 1;
        self.seen[node] = self.clock;
        self.low[node] = self.clock;
        self.is_open[node] = true;
        self.open.push(node);
    }

    /// Closes the unit of a node, if it is the first of it.
    fn leave(&mut self, node: usize) {
        if self.low[node] != self.seen[node] {
            return;
        }
        let mut unit = Vec::new();
        while let Some(member) = self.open.pop() {
            self.is_open[member] = false;
            unit.push(member);
            if member == node {
                break;
            }
        }
        unit.sort_unstable();
        self.units.push(unit);
    }
}
