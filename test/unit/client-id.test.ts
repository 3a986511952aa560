import { expect, test } from "vitest";
import { labelInClientId, newClientId } from "../../src/client/client-id.ts";
import { ClientId } from "../../src/protocol/ids.ts";

test.each(["pts/1", "tty1-2", "run", `${"x".repeat(500)}\n\x1b`])(
  "a client called %j has a name that the daemon takes and that says what it is called",
  (label) => {
    const id = newClientId(label);
    expect(ClientId.parse(id)).toBe(id);
    expect(label.startsWith(labelInClientId(id) ?? "?")).toBe(true);
    expect(newClientId(label)).not.toBe(id);
  },
);

test("a name of another form says nothing", () => {
  expect(labelInClientId("me")).toBeUndefined();
});
