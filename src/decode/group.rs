use super::{BLANK, Decoded};

/// How many records are decoded before the first of them is handed on.
pub const GROUP: usize = 32;

/// Records decoded side by side, in places that are used again: a record is written where it will be read.
pub(super) struct Group<'b, 'f> {
    /// Each is a record; of those from `used` on, all is blank but what every plain record sets.
    places: Box<[Decoded<'b>; GROUP]>,
    used: usize,
    /// A bit for each place that must be cleared before it is used again.
    stained: u32,
    full: &'f mut dyn FnMut(&[Decoded<'b>]),
}

impl<'b, 'f> Group<'b, 'f> {
    pub(super) fn new(full: &'f mut dyn FnMut(&[Decoded<'b>])) -> Self {
        let places = Box::new([const { Decoded { line: 0, raw: b"", record: Ok(BLANK), record_id: b"" } }; GROUP]);
        Self { places, used: 0, stained: 0, full }
    }

    /// The place of the next record, which [`Self::keep`] keeps.
    #[inline(always)]
    pub(super) fn place(&mut self) -> Option<&mut Decoded<'b>> {
        self.places.get_mut(self.used % GROUP)
    }

    /// Keeps what stands in the place given out last. `plain`: nothing but what every plain record sets was set.
    #[inline(always)]
    pub(super) fn keep(&mut self, plain: bool) {
        self.stained |= u32::from(!plain) << (self.used % GROUP);
        self.used = self.used.wrapping_add(1);
        if self.used >= GROUP {
            self.hand_on();
        }
    }

    /// Keeps nothing of what was set in the place given out last.
    pub(super) fn leave(&mut self) {
        if let Some(place) = self.place() {
            place.record = Ok(BLANK);
        }
    }

    /// Keeps a record that was made elsewhere.
    pub(super) fn push(&mut self, decoded: Decoded<'b>) {
        if let Some(place) = self.place() {
            *place = decoded;
        }
        self.keep(false);
    }

    /// Hands on what has been kept.
    #[inline(never)]
    pub(super) fn hand_on(&mut self) {
        let used = std::mem::take(&mut self.used);
        if let Some(records @ [_, ..]) = self.places.get(..used) {
            (self.full)(records);
        }
        let mut stained = std::mem::take(&mut self.stained);
        while stained != 0 {
            if let Some(place) = self.places.get_mut(stained.trailing_zeros() as usize) {
                place.record = Ok(BLANK);
            }
            stained &= stained.wrapping_sub(1);
        }
    }
}
