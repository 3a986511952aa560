import { afterAll, describe, expect, test } from "vitest";
import { whyUnreadable } from "../../src/agent/permission/shell/size.ts";
import { createPlace, inShort, judgeLine, policyFor, reasonsOf } from "../support/permission.ts";

const place = createPlace();
afterAll(() => place.remove());
const policy = policyFor(place, { allow: ["bash(ls)"], deny: ["bash(curl *)"] });

describe("a line that is too much to judge in one turn of the event loop asks", () => {
  test.each<[what: string, line: string, why: RegExp]>([
    ["thousands of words", "echo word".concat(" word".repeat(6000)), /it is too long/],
    ["operators without blanks", `echo $((${"1+".repeat(6000)}1))`, /it is too long/],
    ["line breaks alone", "\n".repeat(6000), /it is too long/],
    ["substitutions in a here-document", `cat <<E\n${"$(ls) ".repeat(6000)}\nE`, /it is too long/],
    ["here-documents that never end", "cat <<E\n\n".repeat(3000), /it is too long/],
    ["substitutions in substitutions", `${"$(".repeat(60)}ls${")".repeat(60)}`, /nested too deeply/],
    ["programs that start each other", `${"sudo ".repeat(30)}ls`, /too many programs that start each other/],
  ])("%s", (_, line, why) => {
    const judgement = judgeLine(line, policy);
    expect(inShort(judgement)).toBe("ask");
    expect(reasonsOf(judgement).join("; ")).toMatch(why);
  });
});

test("what is long because one of its words is, is judged like any other", () => {
  const program = "print('it is', \"$HOME\") # (((\n".repeat(3000);
  for (const line of [
    `cat <<'E'\n${program}E`,
    `cat <<\\E\n${program}E`,
    `cat <<E\n${"plain (text) of {some} words\n".repeat(3000)}E`,
    `echo '${"word ".repeat(10_000)}'`,
  ])
    expect(whyUnreadable(line)).toBeUndefined();
  expect(inShort(judgeLine(`cat <<'E'\n${program}E\ncurl x`, policy))).toBe("deny");
});

test("a few programs that start each other are looked through", () => {
  expect(inShort(judgeLine(`${"env ".repeat(15)}curl x`, policy))).toBe("deny");
});

test("each line of a text without ends of its here-documents is looked at once", () => {
  // Looked through for each of them, this text would take minutes.
  expect(whyUnreadable(`${"<<E 'x\n\n".repeat(100_000)}`)).toBeDefined();
  expect(whyUnreadable(`'${"<<E\n\n".repeat(100_000)}`)).toBeUndefined();
});
