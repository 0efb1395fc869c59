//! The mixes of operations.

/// A mix of operations. Sizes are numbers of entries in the steady state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mix {
    /// Reads of present keys.
    Read100,
    /// Reads, half of them of absent keys.
    Miss50,
    /// 98 % reads.
    Read98,
    /// 95 % reads, 5 % overwrites, skewed.
    Zipf95,
    /// Half reads, half read-modify-writes, skewed.
    Zipf50,
    /// Mostly insertions and removals.
    Exchange,
    /// Insertions into an empty map.
    Grow,
    /// Read-modify-writes and nothing else.
    Update,
    /// Overwrites and nothing else.
    Overwrite,
    /// Half reads, half read-modify-writes, uniform.
    Half,
}

impl Mix {
    /// The mixes of the throughput matrix, in display order.
    pub const ALL: [Self; 7] = [
        Self::Read100,
        Self::Miss50,
        Self::Read98,
        Self::Zipf95,
        Self::Zipf50,
        Self::Exchange,
        Self::Grow,
    ];

    /// The stable id in results.
    pub fn id(self) -> &'static str {
        match self {
            Self::Read100 => "read100",
            Self::Miss50 => "miss50",
            Self::Read98 => "read98",
            Self::Zipf95 => "zipf95-5",
            Self::Zipf50 => "zipf50-50u",
            Self::Exchange => "exchange",
            Self::Grow => "grow",
            Self::Update => "update",
            Self::Overwrite => "overwrite",
            Self::Half => "half",
        }
    }

    /// One line: what it does.
    pub fn description(self) -> &'static str {
        match self {
            Self::Read100 => "get of a present key, uniform",
            Self::Miss50 => "get, uniform; half the keys are absent",
            Self::Read98 => {
                "98 % get, 1 % insert, 1 % remove, uniform over twice as many keys as are present"
            }
            Self::Zipf95 => "95 % get, 5 % overwrite of present keys, Zipf 0.99",
            Self::Zipf50 => "50 % get, 50 % read-modify-write of present keys, Zipf 0.99",
            Self::Exchange => {
                "10 % get, 40 % insert, 40 % remove, 10 % update, uniform over twice as many keys \
                 as are present"
            }
            Self::Grow => "95 % insert of new keys into an empty map, 5 % get of keys inserted",
            Self::Update => "read-modify-write of present keys, uniform",
            Self::Overwrite => "overwrite of present keys, uniform",
            Self::Half => "50 % get, 50 % read-modify-write of present keys, uniform",
        }
    }

    /// Whether the set of keys changes while it runs.
    pub fn churns(self) -> bool {
        matches!(self, Self::Read98 | Self::Exchange)
    }

    /// Whether it overwrites keys with values that name the operation.
    pub fn overwrites(self) -> bool {
        matches!(self, Self::Zipf95 | Self::Overwrite)
    }

    /// Whether its writes are read-modify-writes and nothing else.
    pub fn only_updates(self) -> bool {
        matches!(self, Self::Zipf50 | Self::Update | Self::Half)
    }

    /// Whether it writes.
    pub fn writes(self) -> bool {
        !matches!(self, Self::Read100 | Self::Miss50)
    }

    /// How many keys exist, present or not, for a map of `entries`.
    pub fn universe(self, entries: u64) -> u64 {
        if self == Self::Miss50 || self.churns() { 2 * entries } else { entries }
    }
}
