//! Bodies on their way in blocks: one that comes and one that goes, each counted against what all connections may keep
//! (RFC 7959 §2.4, §2.5).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::block::Block;
use crate::request::Target;
use crate::response::Response;

/// How long a body is kept after its last block: RFC 7252 §4.8.2, `EXCHANGE_LIFETIME`.
pub(crate) const KEPT: Duration = Duration::from_secs(247);

/// The octets that all connections together may keep. Clones share them.
#[derive(Debug, Clone)]
pub struct Budget {
    left: Arc<AtomicUsize>,
}

impl Budget {
    /// A budget of so many octets.
    #[must_use]
    pub fn new(octets: usize) -> Self {
        Self { left: Arc::new(AtomicUsize::new(octets)) }
    }

    /// Returns how many octets are left.
    #[must_use]
    pub fn left(&self) -> usize {
        self.left.load(Ordering::Relaxed)
    }

    /// Takes octets, to be given back when the lease is dropped.
    fn lease(&self) -> Lease {
        Lease { budget: self.clone(), octets: 0 }
    }
}

/// Octets taken from a budget.
#[derive(Debug)]
struct Lease {
    budget: Budget,
    octets: usize,
}

impl Lease {
    fn grow(&mut self, octets: usize) -> Result<(), NoRoom> {
        let take = |left: usize| left.checked_sub(octets);
        self.budget.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).map_err(|_| NoRoom)?;
        self.octets += octets;
        Ok(())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.budget.left.fetch_add(self.octets, Ordering::Relaxed);
    }
}

/// All connections together keep as much as they may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoRoom;

/// A body that comes.
#[derive(Debug)]
pub(crate) struct Assembly {
    target: Target,
    octets: Vec<u8>,
    lease: Lease,
    /// When it is forgotten.
    pub(crate) until: Instant,
}

/// Why a block is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlockFault {
    /// It is not the next one, or belongs to another body.
    OutOfPlace,
    /// It is shorter than its size although others follow, or longer.
    Length,
    /// The body would be too long.
    TooLarge,
    /// There is no room now.
    NoRoom,
}

impl Assembly {
    /// Begins a body.
    pub(crate) fn begin(target: Target, budget: &Budget, now: Instant) -> Self {
        Self { target, octets: Vec::new(), lease: budget.lease(), until: now + KEPT }
    }

    /// Takes the next block.
    pub(crate) fn take(
        &mut self,
        target: &Target,
        (block, payload): (Block, &[u8]),
        max_octets: usize,
        now: Instant,
    ) -> Result<(), BlockFault> {
        if self.target != *target || block.offset() != self.octets.len() {
            return Err(BlockFault::OutOfPlace);
        }
        // RFC 7959 §2.2: a block that others follow is as long as its size.
        let is_long_enough = !block.more || payload.len() == block.size();
        if !is_long_enough || payload.len() > block.size() {
            return Err(BlockFault::Length);
        }
        if self.octets.len() + payload.len() > max_octets {
            return Err(BlockFault::TooLarge);
        }
        self.lease.grow(payload.len()).map_err(|NoRoom| BlockFault::NoRoom)?;
        self.octets.extend_from_slice(payload);
        self.until = now + KEPT;
        Ok(())
    }

    /// Returns the whole.
    pub(crate) fn whole(self) -> Vec<u8> {
        self.octets
    }
}

/// A body that goes.
#[derive(Debug)]
pub(crate) struct Kept {
    target: Target,
    /// The response with the whole body.
    response: Response,
    _lease: Lease,
    /// When it is forgotten.
    pub(crate) until: Instant,
}

impl Kept {
    /// Keeps a response.
    pub(crate) fn new(
        target: Target,
        response: Response,
        budget: &Budget,
        now: Instant,
    ) -> Result<Self, NoRoom> {
        let mut lease = budget.lease();
        lease.grow(response.payload.len())?;
        Ok(Self { target, response, _lease: lease, until: now + KEPT })
    }

    /// Tells whether it answers this.
    pub(crate) fn answers(&self, target: &Target) -> bool {
        // RFC 7959 §2.4, §3.3: what asks for a later block need not announce a body that it does not have.
        let Target { method, path, queries, announced: _, accept } = &self.target;
        let same = (method, path, queries) == (&target.method, &target.path, &target.queries);
        same && (*accept == target.accept || target.accept.is_none())
    }

    /// Returns the response with one block; none where the body ends before it.
    pub(crate) fn part(&mut self, block: Block, now: Instant) -> Option<Response> {
        self.until = now + KEPT;
        let (block2, part) = block.of(&self.response.payload)?;
        let payload = part.to_vec();
        Some(Response { block2: Some(block2), payload, block1: None, ..self.response.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::BlockSize;
    use crate::format::LINKS;
    use crate::method::Method;

    fn target(place: &str) -> Target {
        let path = Some(vec![place.to_owned()]);
        Target { method: Method::Post, path, queries: Vec::new(), announced: None, accept: None }
    }

    fn block(octet: u8) -> Block {
        Block::read(&[octet]).unwrap()
    }

    fn assembly(budget: &Budget) -> Assembly {
        Assembly::begin(target("one"), budget, Instant::now())
    }

    fn take(assembly: &mut Assembly, octet: u8, payload: &[u8]) -> Result<(), BlockFault> {
        assembly.take(&target("one"), (block(octet), payload), 40, Instant::now())
    }

    #[test]
    fn puts_blocks_together() {
        let budget = Budget::new(100);
        let mut body = assembly(&budget);
        assert_eq!(take(&mut body, 0x08, &[1; 16]), Ok(()));
        assert_eq!(take(&mut body, 0x18, &[2; 16]), Ok(()));
        assert_eq!(take(&mut body, 0x20, &[3; 5]), Ok(()));
        assert_eq!(body.whole(), [&[1; 16][..], &[2; 16], &[3; 5]].concat());
    }

    // RFC 7959 §2.5: what does not follow is incomplete.
    #[test]
    fn refuses_what_is_out_of_place_or_of_the_wrong_length() {
        let budget = Budget::new(100);
        let mut body = assembly(&budget);
        assert_eq!(take(&mut body, 0x18, &[1; 16]), Err(BlockFault::OutOfPlace), "the first is missing");
        assert_eq!(take(&mut body, 0x08, &[1; 15]), Err(BlockFault::Length));
        assert_eq!(take(&mut body, 0x08, &[1; 17]), Err(BlockFault::Length));
        assert_eq!(take(&mut body, 0x00, &[1; 17]), Err(BlockFault::Length));
        assert_eq!(take(&mut body, 0x08, &[1; 16]), Ok(()));
        assert_eq!(take(&mut body, 0x08, &[1; 16]), Err(BlockFault::OutOfPlace), "the same again");
        let other = target("two");
        let now = Instant::now();
        assert_eq!(body.take(&other, (block(0x18), &[1; 16]), 40, now), Err(BlockFault::OutOfPlace));
        assert_eq!(take(&mut body, 0x18, &[1; 16]), Ok(()));
        assert_eq!(take(&mut body, 0x28, &[1; 16]), Err(BlockFault::TooLarge), "48 octets of 40");
    }

    #[test]
    fn all_bodies_together_keep_no_more_than_they_may_and_give_it_back() {
        let budget = Budget::new(40);
        let (mut one, mut two) = (assembly(&budget), assembly(&budget));
        assert_eq!(take(&mut one, 0x08, &[1; 16]), Ok(()));
        assert_eq!(take(&mut two, 0x08, &[1; 16]), Ok(()));
        assert_eq!(take(&mut one, 0x18, &[1; 16]), Err(BlockFault::NoRoom));
        drop(two);
        assert_eq!(take(&mut one, 0x18, &[1; 16]), Ok(()));
        drop(one);
        let response = Response::content(Method::Get, LINKS, vec![0; 41]);
        assert_eq!(Kept::new(target("two"), response, &budget, Instant::now()).err(), Some(NoRoom));
        assert_eq!(budget.left(), 40);
    }

    #[test]
    fn a_kept_body_is_given_in_parts_of_any_size() {
        let body: Vec<u8> = (0..40).collect();
        let response = Response::content(Method::Get, LINKS, body.clone());
        let now = Instant::now();
        let mut kept = Kept::new(target("two"), response, &Budget::new(40), now).unwrap();
        for size in [16, 32, 64] {
            let mut block = Block::first(BlockSize::of_octets(size).unwrap());
            let mut got = Vec::new();
            while let Some(part) = kept.part(block, now) {
                got.extend(part.payload);
                if !part.block2.unwrap().more {
                    break;
                }
                block.number += 1;
            }
            assert_eq!(got, body, "{size}");
        }
        assert!(kept.part(block(0x30), now).is_none());
    }
}
