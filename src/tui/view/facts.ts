import type { Session } from "../../protocol/session.ts";
import { widthOf } from "../text/width.ts";
import { contextPercent } from "./status.ts";

/** Joins as many of the facts, from the first on, as fit. */
export function fittingFacts(facts: readonly string[], columns: number, separator: string): string {
  for (let count = facts.length; count > 0; count -= 1) {
    const text = facts.slice(0, count).join(separator);
    if (widthOf(text) <= columns) return text;
  }
  return "";
}

export function contextFact(session: Session): string[] {
  const percent = contextPercent(session);
  return percent === undefined ? [] : [`ctx ${Math.round(percent)}%`];
}
