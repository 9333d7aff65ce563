//! What making and checking takes from the allocator does not grow with the number of devices.
//!
//! The long form, with a million devices, times and the resident set, is `cargo bench -p shipment`.

use std::io::{Read, Seek, SeekFrom};

use shipment::{Draft, Sender, check};

use crate::ground::{Ground, OwnSigner, Random, bare};

/// The most octets that were allocated at one moment, making and checking so many devices by way of files.
fn peak(ground: &Ground, devices: u32) -> (u64, u64) {
    let (spool, mut file) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
    let signer = OwnSigner(ground.key("ship-signer"));
    let sender = Sender { certificate: &ground.signer, above: &ground.above, signer: &signer };
    let made = allocation_counter::measure(|| {
        let mut manifest = Draft::begin(ground.plan(), &ground.recipient, (spool, &Random)).unwrap();
        for number in 0..devices {
            let mut device = bare(number);
            device.batch.clear();
            manifest.add(&device).unwrap();
        }
        manifest.finish(&sender, &mut file).unwrap();
    });
    file.seek(SeekFrom::Start(0)).unwrap();
    let checked = allocation_counter::measure(|| {
        let mut seen = 0;
        let reader = std::io::BufReader::new(file.by_ref());
        ground.as_recipient(|recipient| {
            check(reader, &ground.expected(), recipient, &mut |_| seen += 1).unwrap();
        });
        assert_eq!(seen, devices);
    });
    (made.bytes_max, checked.bytes_max)
}

#[test]
fn five_times_the_devices_take_no_more_memory() {
    let ground = Ground::new("s1");
    let (few, many) = (peak(&ground, 4_000), peak(&ground, 20_000));
    // 40 octets a chunk are kept, and some buffers grow by doubling.
    let slack = 64 << 10;
    assert!(many.0 <= few.0 + slack, "making: {few:?}, {many:?}");
    assert!(many.1 <= few.1 + slack, "checking: {few:?}, {many:?}");
    assert!(many.0 < 4 << 20 && many.1 < 8 << 20, "{many:?}");
}
