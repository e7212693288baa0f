//! The incident table. Scaffolding: `Table` comes here.
