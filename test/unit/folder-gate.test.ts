import { expect, test } from "vitest";
import { createFolderGate } from "../../src/agent/files/folder-gate.ts";

const unresponsive = { code: "folder_unresponsive" };
const work = async () => "done";

/** Folders below /hung do not answer until they are let go. */
function openFolders(answerMsMax: number) {
  const looks: string[] = [];
  const { promise: back, resolve: comeBack } = Promise.withResolvers<void>();
  const folders = createFolderGate(async (folder) => {
    looks.push(folder);
    if (folder.startsWith("/hung")) await back;
    if (folder === "/missing") throw new Error("ENOENT");
  }, answerMsMax);
  return { folders, looks, comeBack };
}

test("all who wait for a folder that does not respond get an error, at the cost of one check", async () => {
  const { folders, looks } = openFolders(20);
  const waiting = Promise.allSettled([1, 2, 3].map(() => folders.enter("/hung", work)));
  expect(await folders.enter("/fine", work)).toBe("done");
  for (const each of await waiting) expect(each).toMatchObject({ status: "rejected", reason: unresponsive });
  await expect(folders.enter("/hung", work)).rejects.toThrow("The folder /hung does not respond.");
  expect(looks).toEqual(["/hung", "/fine"]);
});

test("a folder that responds again can be used again", async () => {
  const { folders, comeBack } = openFolders(20);
  await expect(folders.enter("/hung", work)).rejects.toMatchObject(unresponsive);
  comeBack();
  expect(await folders.enter("/hung", work)).toBe("done");
});

test("work that hangs after the folder responded is not awaited either", async () => {
  const { folders } = openFolders(20);
  await expect(folders.enter("/fine", () => new Promise(() => {}))).rejects.toMatchObject(unresponsive);
});

test("a missing folder counts as a response, and the work handles the error", async () => {
  const { folders } = openFolders(20);
  expect(await folders.enter("/missing", work)).toBe("done");
  const failing = () => Promise.reject(new Error("the work's own"));
  await expect(folders.enter("/missing", failing)).rejects.toThrow("the work's own");
});

test("an aborted call stops waiting at once", async () => {
  const { folders } = openFolders(1_000_000);
  const stop = new AbortController();
  const waiting = folders.enter("/hung", work, stop.signal);
  stop.abort(new Error("canceled"));
  await expect(waiting).rejects.toThrow("canceled");
});

test("folders that do not respond leave threads for the others", async () => {
  const { folders, looks } = openFolders(20);
  const hung = await Promise.allSettled(
    Array.from({ length: 8 }, (_, at) => folders.enter(`/hung/${at}`, work)),
  );
  for (const each of hung) expect(each).toMatchObject({ status: "rejected", reason: unresponsive });
  await expect(folders.enter("/hung/one-more", work)).rejects.toMatchObject(unresponsive);
  expect(looks).toHaveLength(8);
});
