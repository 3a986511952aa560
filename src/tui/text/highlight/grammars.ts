import hljs from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import c from "highlight.js/lib/languages/c";
import cpp from "highlight.js/lib/languages/cpp";
import csharp from "highlight.js/lib/languages/csharp";
import css from "highlight.js/lib/languages/css";
import diff from "highlight.js/lib/languages/diff";
import dockerfile from "highlight.js/lib/languages/dockerfile";
import go from "highlight.js/lib/languages/go";
import ini from "highlight.js/lib/languages/ini";
import java from "highlight.js/lib/languages/java";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import kotlin from "highlight.js/lib/languages/kotlin";
import lua from "highlight.js/lib/languages/lua";
import makefile from "highlight.js/lib/languages/makefile";
import markdown from "highlight.js/lib/languages/markdown";
import php from "highlight.js/lib/languages/php";
import python from "highlight.js/lib/languages/python";
import ruby from "highlight.js/lib/languages/ruby";
import rust from "highlight.js/lib/languages/rust";
import sql from "highlight.js/lib/languages/sql";
import swift from "highlight.js/lib/languages/swift";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";
import type { ThemeToken } from "../../theme.ts";
import { type CodeRun, type Highlight, isHighlightable } from "./highlight.ts";

const grammars = {
  bash,
  c,
  cpp,
  csharp,
  css,
  diff,
  dockerfile,
  go,
  ini,
  java,
  javascript,
  json,
  kotlin,
  lua,
  makefile,
  markdown,
  php,
  python,
  ruby,
  rust,
  sql,
  swift,
  typescript,
  xml,
  yaml,
};

/** Names that people use after a fence and highlight.js does not know. */
const aliases: readonly (readonly [string, string[]])[] = [
  ["bash", ["console", "shell", "shellsession", "sh-session", "fish"]],
  ["json", ["json5", "jsonl", "ndjson"]],
  ["ini", ["env", "dotenv", "conf", "cfg"]],
  ["css", ["scss", "less"]],
  ["xml", ["vue", "svelte", "astro"]],
];

/** The theme token of each highlight.js scope; an unlisted scope looks like the code around it. */
const tokenByScope: Readonly<Record<string, ThemeToken>> = {
  keyword: "syntax_keyword",
  "selector-tag": "syntax_keyword",
  tag: "syntax_keyword",
  string: "syntax_string",
  regexp: "syntax_string",
  "char.escape": "syntax_meta",
  subst: "text",
  number: "syntax_number",
  literal: "syntax_number",
  symbol: "syntax_number",
  comment: "syntax_comment",
  doctag: "syntax_comment",
  quote: "syntax_comment",
  title: "syntax_title",
  section: "heading",
  "selector-class": "syntax_title",
  "selector-id": "syntax_title",
  name: "syntax_keyword",
  type: "syntax_type",
  built_in: "syntax_type",
  class: "syntax_type",
  attr: "syntax_title",
  attribute: "syntax_title",
  variable: "syntax_variable",
  "template-variable": "syntax_variable",
  params: "syntax_variable",
  property: "syntax_variable",
  meta: "syntax_meta",
  bullet: "accent",
  code: "code",
  emphasis: "emphasis",
  strong: "strong",
  link: "link",
  addition: "diff_added",
  deletion: "diff_removed",
};

const tokenOf = (scope: string): ThemeToken | undefined => {
  if (scope === "title.class" || scope === "title.class.inherited") return "syntax_type";
  return tokenByScope[scope] ?? tokenByScope[scope.split(".")[0] ?? ""];
};

/** Makes highlight.js emit runs of text instead of HTML. */
class RunEmitter {
  readonly lines: CodeRun[][] = [[]];
  private readonly scopes: ThemeToken[] = ["text"];

  addText(text: string): void {
    const token = this.scopes.at(-1) ?? "text";
    for (const [index, piece] of text.split("\n").entries()) {
      if (index > 0) this.lines.push([]);
      if (piece === "") continue;
      const line = this.lines.at(-1) ?? [];
      const last = line.at(-1);
      if (last?.token === token) last.text += piece;
      else line.push({ text: piece, token });
    }
  }

  startScope(scope: string): void {
    this.scopes.push(tokenOf(scope) ?? this.scopes.at(-1) ?? "text");
  }

  endScope(): void {
    this.scopes.pop();
  }

  openNode(scope: string): void {
    this.startScope(scope);
  }

  closeNode(): void {
    this.endScope();
  }

  __addSublanguage(other: unknown): void {
    if (!(other instanceof RunEmitter)) return;
    for (const [index, runs] of other.lines.entries()) {
      if (index > 0) this.lines.push([]);
      this.lines.at(-1)?.push(...runs);
    }
  }

  finalize(): void {}

  toHTML(): string {
    return "";
  }
}

export function createHighlight(): Highlight {
  const engine = hljs.newInstance();
  engine.configure({ __emitter: RunEmitter });
  for (const [name, grammar] of Object.entries(grammars)) engine.registerLanguage(name, grammar);
  for (const [languageName, names] of aliases) engine.registerAliases(names, { languageName });
  return (code, language) => {
    const name = language.toLowerCase();
    if (name === "" || engine.getLanguage(name) === undefined || !isHighlightable(code)) return undefined;
    const emitter: unknown = engine.highlight(code, { language: name, ignoreIllegals: true })._emitter;
    return emitter instanceof RunEmitter ? emitter.lines : undefined;
  };
}
