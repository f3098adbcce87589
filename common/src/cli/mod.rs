//! What the four programs share towards people and scripts.
