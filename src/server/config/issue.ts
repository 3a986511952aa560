import type { z } from "zod";

export type Issue = z.core.$ZodIssue;

/** One wrong value in the configuration, as a sentence that names its key. */
export function sentenceOfIssue(
  issue: Issue,
  path: readonly (string | number)[],
  isMissing: boolean,
): string {
  const key = path.length === 0 ? "the configuration" : `"${path.join(".")}"`;
  if (issue.code === "too_small" && (issue.origin === "array" || issue.origin === "string")) {
    return `${key} must not be empty.`;
  }
  const wanted = wantedBy(issue);
  if (isMissing)
    return wanted === undefined ? `${key} is missing.` : `${key} is missing; it must be ${wanted}.`;
  if (wanted !== undefined) return `${key} must be ${wanted}.`;
  return `${key} is wrong: ${issue.message}.`;
}

function wantedBy(issue: Issue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return typeNames[issue.expected];
    case "invalid_value":
      return oneOf(issue.values.map((value) => JSON.stringify(value)));
    case "too_small":
      return `${String(issue.minimum)} or more`;
    case "too_big":
      return `${String(issue.maximum)} or less`;
    case "invalid_format":
      return issue.format === "url" ? "an address such as http://127.0.0.1:8080/v1" : undefined;
    default:
      return undefined;
  }
}

const typeNames: Readonly<Record<string, string>> = {
  string: "text in double quotes",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list: [ … ]",
  object: "an object: { … }",
  record: "an object: { … }",
};

const oneOf = (values: readonly string[]): string =>
  values.length < 2 ? values.join("") : `${values.slice(0, -1).join(", ")} or ${values.at(-1)}`;
