import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StopStrings } from '../../../electron/engine/use/stopStrings.ts';

const through = (strings: string[], pieces: string[]) => {
  const stops = new StopStrings(strings);
  const shown = pieces.map((p) => stops.push(p));
  return { text: shown.join('') + stops.end(), shown, stopped: stops.stopped };
};

describe('stop strings', () => {
  it('end the text before them, also where they come in pieces', () => {
    expect(through(['END'], ['a E', 'N', 'D b'])).toMatchObject({ text: 'a ', stopped: true });
    expect(through(['END'], ['a E', 'NX'])).toMatchObject({ text: 'a ENX', stopped: false });
    expect(through(['END'], ['a EN'])).toMatchObject({ text: 'a EN', stopped: false });
    // Nothing is held back that can't become one of them.
    expect(through(['END'], ['abc', 'd']).shown).toEqual(['abc', 'd']);
    expect(through([], ['abc'])).toMatchObject({ text: 'abc', stopped: false });
  });

  it('cut as one search of the whole text does, however it is cut into pieces', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 30 });
    const strings = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 2, maxLength: 4 }), {
      maxLength: 3,
    });
    fc.assert(
      fc.property(letters, strings, fc.array(fc.nat(6)), (text, stops, cuts) => {
        const pieces: string[] = [];
        let at = 0;
        for (const cut of cuts) pieces.push(text.slice(at, (at += cut)));
        pieces.push(text.slice(at));
        // The first that is complete ends it; of several that end at once, the one that began first.
        let expected = text;
        for (let end = 0; end <= text.length && expected === text; end++) {
          const starts = stops.flatMap((s) => (text.slice(0, end).endsWith(s) ? [end - s.length] : []));
          if (starts.length > 0) expected = text.slice(0, Math.min(...starts));
        }
        const whole = through(stops, [...text]);
        expect(whole.text).toBe(expected);
        // Larger pieces may show two at once: the earlier one counts, and never more is shown.
        expect(expected.startsWith(through(stops, pieces).text)).toBe(true);
      }),
    );
  });
});
