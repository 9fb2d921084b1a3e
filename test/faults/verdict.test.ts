import { describe, expect, it } from 'vitest';
import type { Said } from './recorder.ts';
import { runAgain, startedTwice, twoLive } from './verdict.ts';

const said = (...words: readonly (readonly [Said['what'], stage: string, attempt: number])[]): Said[] =>
  words.map(([what, stage, attempt]) => ({ what, run: 'r1', stage, attempt }));

const good = said(['begin', 'a', 1], ['beat', 'a', 1], ['end', 'a', 1], ['begin', 'b1', 1], ['begin', 'b1', 2]);

describe("what the faults' matrix counts", () => {
  it('is nothing of a run that was retried and else went well', () => {
    const events = [
      { type: 'StageScheduled', stage: 'a' },
      { type: 'StageSucceeded', stage: 'a', attempt: 1 },
    ];
    expect([startedTwice(good), twoLive(good), runAgain(good, events)]).toEqual([[], [], []]);
  });

  it('is an attempt whose commands began twice', () => {
    expect(startedTwice([...good, ...said(['begin', 'a', 1])])).toEqual(['a attempt 1']);
  });

  it('is an attempt that goes on beside the one after it', () => {
    expect(twoLive([...good, ...said(['beat', 'b1', 1])])).toEqual(['b1 attempt 1 beside 2']);
  });

  it('is a stage that is scheduled, or begins, after its success was recorded', () => {
    const success = { type: 'StageSucceeded', stage: 'a', attempt: 1 };
    expect(runAgain(good, [success, { type: 'StageScheduled', stage: 'a' }])).toEqual(['a']);
    expect(runAgain([...good, ...said(['begin', 'a', 2])], [success])).toEqual(['a']);
  });
});
