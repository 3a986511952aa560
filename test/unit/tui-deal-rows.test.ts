import fc from "fast-check";
import { expect, test } from "vitest";
import { dealRows, type WantedRows } from "../../src/tui/view/deal-rows.ts";

const nothing: WantedRows = {
  composer: 1,
  completion: 0,
  question: undefined,
  notice: 0,
  run: 0,
  plan: 0,
  queue: 0,
  stream: 0,
};
const deal = (rows: number, wanted: Partial<WantedRows> = {}) => dealRows(rows, { ...nothing, ...wanted });

test("where nothing goes on there are the prompt, the status, and a blank row above if there is room", () => {
  expect(deal(18)).toMatchObject({ composer: 1, status: 1, stream: 1, run: 0 });
  expect(deal(4)).toMatchObject({ composer: 1, status: 1, stream: 0 });
  expect(deal(1)).toMatchObject({ composer: 1, status: 0, stream: 0 });
});

test("a question has all that the prompt leaves it, and the list above the prompt three rows beside it", () => {
  const asked = deal(12, { completion: 8, question: (room) => room, stream: 20, run: 1 });
  expect(asked).toMatchObject({ composer: 1, completion: 3, question: 8, status: 0, run: 0, stream: 0 });
});

test("the tail of what streams takes what everything else leaves", () => {
  expect(deal(18, { run: 1, queue: 4, plan: 1, stream: 40 })).toMatchObject({
    run: 1,
    queue: 4,
    plan: 1,
    stream: 10,
  });
});

test("no more rows are dealt than there are, and the prompt has its own", () => {
  const wanted = fc.record({
    composer: fc.integer({ min: 1, max: 8 }),
    completion: fc.nat(9),
    question: fc.option(
      fc.nat(40).map((rows) => () => rows),
      { nil: undefined },
    ),
    notice: fc.nat(3),
    run: fc.nat(1),
    plan: fc.nat(5),
    queue: fc.nat(6),
    stream: fc.nat(60),
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 18 }), wanted, (rows, parts) => {
      const dealt = dealRows(rows, parts);
      expect(Object.values(dealt).reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(rows);
      expect(dealt.composer).toBe(Math.min(rows, parts.composer));
    }),
  );
});
