import type { PermissionDetail } from "../../protocol/permission.ts";
import type { Confinement } from "../sandbox/sandbox.ts";
import { optionsFor } from "./answer-options.ts";
import { judgeCommand } from "./commands/judge-command.ts";
import { escapeHidden } from "./display.ts";
import { judgeUrl, type UrlVerdict } from "./judge-url.ts";
import { pathDetail } from "./path-detail.ts";
import { createLocator, type RuleBook } from "./paths/location.ts";
import type { FileLookup } from "./paths/real-path.ts";
import type { PermissionRequest } from "./request.ts";
import type { Finding, Judgement, Policy, Scripts } from "./rules/policy.ts";
import { exactRule, matchesText, namesTool, parseRule, type Rule } from "./rules/rules.ts";

export type { Judgement, Policy } from "./rules/policy.ts";

/** Decides what may happen without asking. Pure, never throws; asks when it cannot tell. */
export type Judge = (request: PermissionRequest, policy: Policy, lookup: FileLookup) => Judgement;

/** The findings about one request, before the mode is applied. */
type Verdict = {
  findings: readonly Finding[];
  readOnly: boolean;
  /** A command that a sandbox is not enough for. */
  needsMore?: boolean;
  detail: PermissionDetail;
  /** The rules that together would allow it. */
  rules: readonly string[] | undefined;
  scripts?: ReadonlyMap<string, Scripts>;
  privateHost?: UrlVerdict["privateHost"];
  /** A command that may use the network, and the hosts that it names. */
  hosts?: readonly string[];
};

/** Parsed rules that are kept. */
const RULES_KEPT_MAX = 2_000;
const REASONS_MAX = 12;
const REASON_LENGTH_MAX = 200;

export function createJudge(): Judge {
  const parsed = new Map<string, Rule | undefined>();
  function ruleOf(text: string): Rule | undefined {
    if (parsed.has(text)) return parsed.get(text);
    const rule = parseRule(text);
    if (parsed.size >= RULES_KEPT_MAX) parsed.clear();
    parsed.set(text, "error" in rule ? undefined : rule);
    return "error" in rule ? undefined : rule;
  }
  const rulesOf = (...lists: (readonly string[])[]): Rule[] =>
    lists.flatMap((list) => list.flatMap((text) => ruleOf(text) ?? []));

  function allowing({ rules, grants }: Policy): Pick<RuleBook, "allow" | "granted"> {
    const own = new Set(rulesOf(rules.allow));
    const granted = new Map<Rule, Scripts[]>();
    for (const { rule: text, scripts } of [...grants.session, ...grants.always]) {
      const rule = ruleOf(text);
      if (rule !== undefined && !own.has(rule)) granted.set(rule, [...(granted.get(rule) ?? []), scripts]);
    }
    return { allow: [...own, ...granted.keys()], granted };
  }

  return (request, policy, lookup) => {
    if (policy.allowsEverything === true)
      return { decision: "allow", ...(request.subject.type === "url" && { privateHost: true }) };
    const rules: RuleBook = {
      deny: rulesOf(policy.rules.deny),
      ask: rulesOf(policy.rules.ask),
      ...allowing(policy),
    };
    const isSandboxed = request.subject.type === "command" && request.subject.sandbox !== undefined;
    if (isSandboxed && policy.sandbox === "missing") return { decision: "deny", message: missingSandbox };
    const verdict = judgeSubject(request, policy, rules, lookup);
    return atHost(inSandbox(decide(verdict, policy, rules), request, verdict, policy), verdict);
  };
}

function judgeSubject(
  request: PermissionRequest,
  policy: Policy,
  rules: RuleBook,
  lookup: FileLookup,
): Verdict {
  const { subject, tool } = request;
  switch (subject.type) {
    case "command": {
      const locator = createLocator(policy, rules, lookup);
      const { findings, readOnly, needsMore, offers, scripts, mayUseNetwork, hosts } = judgeCommand(
        subject.command,
        subject.cwd,
        policy,
        rules,
        locator,
      );
      return {
        findings: withToolRules(
          subject.sandbox === "wider" && isSandboxOn(policy) ? [...findings, leavesSandbox] : findings,
          tool,
          subject.command,
          rules,
        ),
        readOnly,
        needsMore: needsMore || subject.sandbox === "wider",
        detail: {
          type: "command",
          command: escapeHidden(subject.command),
          cwd: subject.cwd,
          reasons: [],
          ...(subject.container !== undefined && { container: subject.container }),
        },
        rules: offers,
        scripts,
        ...(mayUseNetwork && { hosts }),
      };
    }
    case "path": {
      const locator = createLocator(policy, rules, lookup);
      const canonical = subject.access === "read" ? "read" : "edit";
      const names =
        subject.access === "read"
          ? [...new Set([tool, canonical])]
          : [...new Set([tool, canonical, "write"])];
      const findings = locator.judge(subject.path, subject.access, names, false);
      const offer = locator.offer(subject.path, subject.access);
      const show = (path: string) => escapeHidden(locator.show(locator.realPath(path) ?? path));
      return {
        findings,
        readOnly: subject.access === "read",
        detail: pathDetail(subject, show),
        rules: offer === undefined ? undefined : [offer],
      };
    }
    case "url": {
      const { findings, rule, privateHost } = judgeUrl(subject, tool, rules);
      return {
        findings,
        readOnly: true,
        detail: { type: "text", text: escapeHidden(subject.url), reasons: [] },
        rules: rule === undefined ? undefined : [rule],
        privateHost,
      };
    }
    case "other":
      return judgeOther(request, subject.text, rules);
  }
}

const missingSandbox =
  "Commands may only run in a sandbox here (permissions.sandbox), and none works on this machine. Go on without commands.";
/** No rule or grant answers it. */
const leavesSandbox: Finding = { severity: "opaque", reason: "leaves the sandbox" };
const isSandboxOn = ({ sandbox }: Policy): boolean => sandbox === "on" || sandbox === "unasked";

/** Says where a command runs. What can change nothing there runs unasked, if the person has chosen that. */
function inSandbox(
  judgement: Judgement,
  { subject }: PermissionRequest,
  { findings, needsMore, hosts }: Verdict,
  policy: Policy,
): Judgement {
  if (judgement.decision === "deny" || subject.type !== "command" || subject.sandbox === undefined)
    return judgement;
  const usesNetwork = findings.some(({ reason }) => reason === "network");
  const asksHosts = policy.asksHosts === true;
  const fits = isSandboxOn(policy) && needsMore !== true && (asksHosts || !usesNetwork);
  const sandbox: Confinement = { isReadOnly: false, ...(asksHosts && hosts !== undefined && { hosts }) };
  if (judgement.decision === "allow") return fits ? { ...judgement, sandbox } : judgement;
  const isHarmless =
    !usesNetwork && findings.every(({ severity }) => severity === "plain" || severity === "opaque");
  if (fits && policy.sandbox === "unasked" && subject.sandbox === "read_only" && isHarmless)
    return { decision: "allow", sandbox: { isReadOnly: true } };
  const detail =
    judgement.detail.type === "command" ? { ...judgement.detail, sandboxed: fits } : judgement.detail;
  return { ...judgement, detail, ...(fits && { sandbox }) };
}

/** Says whether the host of an address may be a private one. */
function atHost(judgement: Judgement, { privateHost }: Verdict): Judgement {
  if (judgement.decision === "deny" || privateHost === undefined) return judgement;
  const { byRule, byAnswer } = privateHost;
  return { ...judgement, privateHost: byRule || (judgement.decision === "ask" && byAnswer) };
}

/** For a tool that runs commands and is not called bash, rules with its own name count too. */
function withToolRules(
  findings: readonly Finding[],
  tool: string,
  command: string,
  rules: RuleBook,
): readonly Finding[] {
  if (tool === "bash") return findings;
  const says = (list: readonly Rule[]) =>
    list.find((rule) => namesTool(rule, [tool]) && !namesTool(rule, ["bash"]) && matchesText(rule, command));
  const denied = says(rules.deny);
  if (denied !== undefined) return [...findings, { severity: "deny", reason: denied.source }];
  const asked = says(rules.ask);
  return asked === undefined ? findings : [...findings, { severity: "rule", reason: `${asked.source} asks` }];
}

function judgeOther(request: PermissionRequest, text: string, rules: RuleBook): Verdict {
  const { tool, kind } = request;
  const says = (list: readonly Rule[]) =>
    list.find((rule) => namesTool(rule, [tool]) && matchesText(rule, text));
  const denied = says(rules.deny);
  const asked = says(rules.ask);
  const findings: Finding[] = [];
  if (denied !== undefined) findings.push({ severity: "deny", reason: denied.source });
  else if (asked !== undefined) findings.push({ severity: "rule", reason: `${asked.source} asks` });
  else if (says(rules.allow) === undefined) findings.push({ severity: "plain", reason: "" });
  // A tool that only reads, and one of an MCP server, may be allowed as a whole, any other tool only for this text.
  const looks = kind === "read" || kind === "search" || kind === "think" || kind === "fetch";
  const rule =
    (looks || tool.startsWith("mcp__")) && /^[A-Za-z_][\w.:/-]*$/.test(tool)
      ? tool
      : text.length <= REASON_LENGTH_MAX
        ? exactRule(tool, text)
        : undefined;
  return {
    findings,
    readOnly: looks,
    detail: { type: "text", text: escapeHidden(text), reasons: [] },
    rules: rule === undefined ? undefined : [rule],
  };
}

/** The judgement that follows from the mode and the findings. */
function decide(verdict: Verdict, policy: Policy, rules: RuleBook): Judgement {
  const { findings } = verdict;
  const denied = findings.find(({ severity }) => severity === "deny");
  if (denied !== undefined) {
    const message = `The rule ${escapeHidden(denied.reason)} denies this. Do not try to get the same done in another way; go on without it or ask the user.`;
    return { decision: "deny", message };
  }
  const left = policy.mode === "yolo" ? findings.filter((finding) => asksInYolo(finding, rules)) : findings;
  if (left.length === 0 && (policy.mode !== "plan" || verdict.readOnly)) return { decision: "allow" };
  if (policy.mode === "plan" && !verdict.readOnly) {
    return {
      decision: "deny",
      message: `In plan mode nothing is changed and no commands are run, apart from those that only read in the workspace (ls, grep, git log). ${planReason(left)}Put it into the plan instead.`,
    };
  }
  const reasons = reasonsOf(left);
  const answerable = left.every(({ severity }) => severity === "plain" || severity === "special");
  return {
    decision: "ask",
    detail: { ...verdict.detail, reasons },
    options: optionsFor(answerable ? verdict.rules : undefined),
    protected: left.some(({ severity }) => severity === "protected"),
    reasons,
    ...(verdict.scripts !== undefined && verdict.scripts.size > 0 && { scripts: verdict.scripts }),
  };
}

/** Why it does not only read, if there is a reason to show. */
function planReason(findings: readonly Finding[]): string {
  const [reason] = reasonsOf(findings);
  return reason === undefined ? "" : `This one does not only read: ${reason}. `;
}

/** In yolo mode. What cannot be analysed asks only if rules restrict commands. */
function asksInYolo({ severity }: Finding, rules: RuleBook): boolean {
  if (severity === "protected" || severity === "rule") return true;
  return severity === "opaque" && [...rules.deny, ...rules.ask].some((rule) => namesTool(rule, ["bash"]));
}

function reasonsOf(findings: readonly Finding[]): string[] {
  const order = ["protected", "rule", "opaque", "special", "plain"];
  const sorted = findings.toSorted((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
  const reasons = [
    ...new Set(sorted.map(({ reason }) => escapeHidden(reason)).filter((reason) => reason !== "")),
  ].map((reason) => (reason.length > REASON_LENGTH_MAX ? `${reason.slice(0, REASON_LENGTH_MAX)}…` : reason));
  if (reasons.length <= REASONS_MAX) return reasons;
  return [...reasons.slice(0, REASONS_MAX), `${reasons.length - REASONS_MAX} more reasons`];
}
