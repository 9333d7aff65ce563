//! Where the program's memory comes from: jemalloc. Issuance takes and gives back so many small pieces on one thread after another that
//! the C library's allocator costs a tenth of its processor time, and holds twice the memory (ADR 65).
//!
//! What C libraries take, those of tokens among them, comes from the C library as before.

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
