//! In what order tables are filled, so that parents are there before their children.

use crate::fault::Code;
use crate::mapping::fill::FillTable;
use crate::report::{Finding, Severity};
use petgraph::algo::kosaraju_scc;
use petgraph::graph::DiGraph;
use std::collections::HashMap;

/// The order by foreign keys. In a cycle the keys that point forward are marked to be checked at the
/// end; where the constraint does not allow that and the role may not change it, it is refused.
pub(super) fn order(
    tables: &mut [FillTable],
    schema: &str,
    findings: &mut Vec<Finding>,
) -> Vec<usize> {
    let positions: HashMap<String, usize> = tables
        .iter()
        .enumerate()
        .map(|(position, table)| (table.target.name.clone(), position))
        .collect();
    let parent = |(home, name): &(String, String)| {
        (home == schema)
            .then(|| positions.get(name).copied())
            .flatten()
    };
    let mut graph = DiGraph::<(), ()>::with_capacity(tables.len(), tables.len());
    let nodes: Vec<_> = tables.iter().map(|_| graph.add_node(())).collect();
    for (child, table) in tables.iter().enumerate() {
        for key in &table.target.foreign_keys {
            if let Some(parent) = parent(&key.parent) {
                graph.add_edge(nodes[child], nodes[parent], ());
            }
        }
    }
    // Not by recursion; parents come first, which is the order of this algorithm's groups.
    let mut groups = kosaraju_scc(&graph);
    let mut order = Vec::with_capacity(tables.len());
    for group in &mut groups {
        group.sort_unstable();
        order.extend(group.iter().map(|node| node.index()));
    }
    let mut place = vec![0; tables.len()];
    for (at, table) in order.iter().enumerate() {
        place[*table] = at;
    }
    for (child, table) in tables.iter_mut().enumerate() {
        let mut deferred = Vec::new();
        for (position, key) in table.target.foreign_keys.iter().enumerate() {
            let later = parent(&key.parent).is_some_and(|parent| place[parent] > place[child]);
            if !later {
                continue;
            }
            deferred.push(position);
            if !key.deferrable && !table.target.owned {
                findings.push(cycle(&table.target.name, &key.name));
            }
        }
        table.deferred = deferred;
    }
    order
}

fn cycle(table: &str, key: &str) -> Finding {
    let message = format!(
        "the foreign key `{key}` is part of a cycle, is not deferrable, and the role does not own the table"
    );
    Finding::new(Code::TargetInterferes, Severity::Error, message)
        .hint("connect as the owner of the table, or make the constraint DEFERRABLE")
        .in_table(table)
}
