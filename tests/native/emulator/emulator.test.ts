import { describe, expect, it } from 'vitest';
import { createPlayedGpu, hasEmulator, loadPlayingAddon, orders } from '../gpu.ts';
import { lack, where } from '../../frame/needs.ts';

const mistakes = {
  right: /^$/,
  partialCopies: /^$/,
  fragments: /^$/,
  fragmentsTf32: /^$/,
  readWithoutBarrier:
    /byte \d+ is read without a barrier behind the write of thread \d+|written without a barrier behind reads/,
  shuffleForBarrier:
    /byte \d+ is read (without a barrier behind the write of thread \d+|and was never written)|written without a barrier behind reads/,
  writeBehindReads:
    /byte 0 is (written without a barrier behind reads|read without a barrier behind the write of thread 40)/,
  twoWriters: /byte \d+ is written without a barrier behind the write of thread \d+/,
  neverWritten: /byte \d+ is read and was never written/,
  outOfBounds: /it reaches byte 4\d+ of 8192/,
  readBeforeCopy: /byte \d+ awaits a copy of thread \d+/,
  copyWithoutBarrier: /awaits a copy of thread|without a barrier|never written/,
  forgottenCopies: /it ends with copies that it has not waited for/,
  missedBarrier: /32 of 64 threads wait at a barrier that the others never reach/,
  mixedMeeting: /its warp is at a barrier, and one lane at an exchange/,
  missedShuffle: /wait at a barrier that the others never reach/,
};

where(describe, [hasEmulator, lack.emulator]).each(orders)('the emulated GPU, threads in %s order', (order) => {
  it.each(Object.entries(mistakes))('finds what is wrong with the kernel %s', (kernel, message) => {
    const addon = loadPlayingAddon();
    for (let seed = 0; seed < 5; seed++) {
      const said = addon.selfTest(createPlayedGpu({ ordinal: seed, order, library: null }).native, kernel);
      expect(said).toMatch(message);
      if (said !== '') expect(said).toMatch(new RegExp(`^${kernel}, block \\d,\\d`));
    }
  });
});
