//! A block: some records as one compressed unit with a directory. The journal's segments are
//! rows of blocks, and so is the block table of a store that keeps bodies itself.
