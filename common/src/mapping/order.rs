//! The order in which tables can be filled so that a parent comes before its children.

use crate::model::schema::Schema;
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::HashMap;

/// Tables by foreign-key dependency, parents first. A group of more than one table is a cycle; a
/// table that refers to itself stands alone, because its rows can be put in one statement.
#[must_use]
pub fn order(schema: &Schema) -> Vec<Vec<String>> {
    let mut graph = DiGraph::<(), ()>::new();
    let mut nodes: HashMap<String, NodeIndex> = HashMap::new();
    for table in &schema.tables {
        nodes.insert(table.name.to_ascii_lowercase(), graph.add_node(()));
    }
    for (position, table) in schema.tables.iter().enumerate() {
        for foreign_key in &table.foreign_keys {
            if let Some(parent) = nodes.get(&foreign_key.parent.to_ascii_lowercase()) {
                graph.update_edge(NodeIndex::new(position), *parent, ());
            }
        }
    }
    // Not tarjan_scc: it recurses, and an archive can hold a chain of 9,999 tables.
    let mut groups = kosaraju_scc(&graph);
    for group in &mut groups {
        group.sort_unstable();
    }
    let name = |node: &NodeIndex| schema.tables[node.index()].name.clone();
    groups
        .iter()
        .map(|group| group.iter().map(name).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::order;
    use crate::mapping::tests::support::{foreign_key, integer, table};
    use crate::model::schema::Schema;

    /// Tables by name, each with the tables it refers to.
    fn schema(tables: &[(&str, &[&str])]) -> Schema {
        let mut schema = Schema::default();
        for (name, parents) in tables {
            let mut table = table(name, vec![integer("id")]);
            for parent in *parents {
                table
                    .foreign_keys
                    .push(foreign_key(&["id"], parent, &["id"]));
            }
            schema.tables.push(table);
        }
        schema
    }

    #[test]
    fn parents_come_before_children() {
        let schema = schema(&[
            ("line", &["Orders", "product"]),
            ("orders", &["customer"]),
            ("product", &[]),
            ("customer", &["missing"]),
        ]);
        let order = order(&schema);
        let place = |name: &str| order.iter().position(|group| group == &[name]).unwrap();
        assert_eq!(order.len(), 4);
        assert!(place("customer") < place("orders") && place("orders") < place("line"));
        assert!(place("product") < place("line"));
    }

    #[test]
    fn a_cycle_is_one_group_and_a_self_reference_is_none() {
        let order = order(&schema(&[
            ("a", &["b"]),
            ("b", &["c"]),
            ("c", &["a"]),
            ("d", &["a", "d"]),
        ]));
        assert_eq!(order, [vec!["a", "b", "c"], vec!["d"]]);
    }

    #[test]
    fn a_chain_of_all_tables_an_archive_can_hold_is_ordered() {
        let names: Vec<String> = (0..9_999).map(|n| format!("t{n}")).collect();
        let mut schema = Schema::default();
        for (position, name) in names.iter().enumerate() {
            let mut table = table(name, vec![integer("id")]);
            if let Some(next) = names.get(position + 1) {
                table.foreign_keys.push(foreign_key(&["id"], next, &["id"]));
            }
            schema.tables.push(table);
        }
        let order = order(&schema);
        assert_eq!(order.first().unwrap(), &["t9998"]);
        assert_eq!(order.last().unwrap(), &["t0"]);
    }
}
