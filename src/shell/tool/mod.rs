//! The command-line tool `darwin-guard`: the function's own judging, from a terminal and in a pull request.

pub mod args;
pub mod check;
pub mod commands;
pub mod files;
pub mod guarded;
pub mod guards;
pub mod print;
pub mod proposed;
pub mod repair;
pub mod scan;
pub mod session;
pub mod stack;
pub mod storage;
pub mod v7;
