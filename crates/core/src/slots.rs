//! Things by dense number, handed out from zero and given again after a
//! release.

use alloc::format;
use alloc::vec::Vec;

use crate::Error;

/// What has a number.
#[derive(Debug, Clone)]
pub(crate) struct Slots<T> {
    list: Vec<Option<T>>,
    in_use: usize,
    /// What these are, in the plural, for messages.
    what: &'static str,
    most: usize,
}

impl<T> Slots<T> {
    /// No things yet, and at most `most` at any time.
    pub(crate) fn new(what: &'static str, most: usize) -> Self {
        Self {
            list: Vec::new(),
            in_use: 0,
            what,
            most,
        }
    }

    /// Gives a thing the lowest free number.
    pub(crate) fn insert(&mut self, thing: T) -> Result<u32, Error> {
        if self.in_use >= self.most {
            return Err(Error::TooLarge(format!(
                "at most {} {} exist at once; release one first",
                self.most, self.what
            )));
        }
        self.in_use += 1;
        let free = self.list.iter_mut().enumerate();
        for (number, slot) in free {
            if slot.is_none() {
                *slot = Some(thing);
                return Ok(number as u32);
            }
        }
        self.list.push(Some(thing));
        Ok(self.list.len() as u32 - 1)
    }

    pub(crate) fn get(&self, number: u32) -> Result<&T, Error> {
        let slot = self.list.get(number as usize);
        slot.and_then(Option::as_ref)
            .ok_or(Error::UnknownHandle(number))
    }

    pub(crate) fn get_mut(&mut self, number: u32) -> Result<&mut T, Error> {
        let slot = self.list.get_mut(number as usize);
        slot.and_then(Option::as_mut)
            .ok_or(Error::UnknownHandle(number))
    }

    /// Takes a thing out; its number may be given to another.
    pub(crate) fn remove(&mut self, number: u32) -> Result<T, Error> {
        let slot = self.list.get_mut(number as usize);
        let thing = slot
            .and_then(Option::take)
            .ok_or(Error::UnknownHandle(number))?;
        self.in_use -= 1;
        Ok(thing)
    }

    /// All things with their numbers, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (0..)
            .zip(&self.list)
            .filter_map(|(number, slot)| Some((number, slot.as_ref()?)))
    }

    /// All things with their numbers, ascending.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut T)> {
        (0..)
            .zip(&mut self.list)
            .filter_map(|(number, slot)| Some((number, slot.as_mut()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_dense_reused_and_bounded() {
        let mut slots = Slots::new("letters", 3);
        for (number, letter) in (0..).zip(['a', 'b', 'c']) {
            assert_eq!(slots.insert(letter), Ok(number));
        }
        match slots.insert('d') {
            Err(Error::TooLarge(text)) => {
                assert_eq!(text, "at most 3 letters exist at once; release one first");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(slots.remove(1), Ok('b'));
        assert_eq!(slots.remove(1), Err(Error::UnknownHandle(1)));
        assert_eq!(slots.get(1), Err(Error::UnknownHandle(1)));
        assert_eq!(slots.get_mut(7), Err(Error::UnknownHandle(7)));
        assert_eq!(slots.insert('d'), Ok(1));
        assert!(slots.iter().map(|(_, letter)| *letter).eq(['a', 'd', 'c']));
    }
}
