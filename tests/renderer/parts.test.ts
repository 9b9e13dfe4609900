import { expect, it } from 'vitest';
import { partsOf } from '../../renderer/pages/new/parts.ts';

it('data that is all of the run dataset is no choice of its own, and a part of it is', () => {
  expect(partsOf({})).toEqual([]);
  // As the config of every run says.
  expect(partsOf({ subset: { from: 0, to: 100 } })).toEqual([]);
  expect(partsOf({ subset: { from: 0, to: 50 } })).toEqual([{ dataset: '', range: '0-50%', weight: '1' }]);
  expect(partsOf({ dataset: 'tales', subset: { from: 0, to: 100 } })).toEqual([
    { dataset: 'tales', range: '', weight: '1' },
  ]);
});
