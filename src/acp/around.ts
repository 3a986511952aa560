import type { Session } from "../protocol/session.ts";
import type { EditorCommand, Option, Update } from "./update.ts";

/** What an editor was told last of each thing that stands around a conversation. */
export function createAround(title: string) {
  const told = new Map([["title", JSON.stringify(title)]]);
  /** Whether it is another than was told last; from here on it counts as told. */
  const isNews = (name: string, value: unknown): boolean => {
    const text = JSON.stringify(value);
    if (told.get(name) === text) return false;
    told.set(name, text);
    return true;
  };
  return {
    isNews,
    /** What has changed of all of it. */
    updates(session: Session, options: readonly Option[], commands: readonly EditorCommand[]): Update[] {
      const updates: Update[] = [];
      if (isNews("options", options)) updates.push({ kind: "options", options });
      if (isNews("commands", commands)) updates.push({ kind: "commands", commands });
      const { context, cost } = session;
      if (context !== null && isNews("usage", [context, cost]))
        updates.push({ kind: "usage", used: context.used, size: context.window, cost });
      if (isNews("title", session.title))
        updates.push({ kind: "info", title: session.title, updatedAt: session.updated_at });
      return updates;
    },
  };
}
