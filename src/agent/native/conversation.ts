import type { Message } from "../../protocol/message.ts";
import type { PermissionMode } from "../../protocol/permission.ts";
import type { SessionContext, Turn } from "../backend.ts";
import { createFileLoader } from "./attachments.ts";
import { environmentBlock, modeText } from "./environment-block.ts";
import type { GitReader } from "./git-state.ts";
import { createHistory, type History } from "./history.ts";
import { createInstructions, quoteInstructions } from "./instructions.ts";
import type { ModelFailure } from "./models/failure.ts";
import type { Model, ModelRequest, PromptFamily } from "./models/model.ts";
import { systemPrompt } from "./prompt.ts";
import type { ToolSet } from "./tool-set.ts";

type ConversationDeps = {
  session: SessionContext;
  tools: ToolSet;
  git: GitReader;
  /** The user's own instructions for every project; undefined or missing where there are none. */
  userInstructions: () => string | undefined;
  now(): number;
};

const dayOf = (ms: number): string => {
  const at = new Date(ms);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
};

/**
 * What one session tells its models beyond the transcript: the environment as it was at the start, project
 * instructions, and notes between messages. All of it stays where and what it was once it has been sent, so that
 * each request begins with the one before.
 */
export function createConversation({ session, tools, git, userInstructions, now }: ConversationDeps) {
  const instructions = createInstructions(session.root);
  const histories = new Map<string, History>();
  const systems = new Map<PromptFamily, string>();
  const notes = new Map<string, { before?: string; after?: string }>();
  const toolNames = new Set(tools.names);
  /** Models that have refused a request because of an image or a PDF in it. */
  const blind = new Set<string>();
  const gathering = new AbortController();
  let told: { mode: PermissionMode; day: string } = { mode: session.mode, day: dayOf(now()) };
  let opening: string | undefined;
  const gitState = git.begin(session, `${session.session_id}-environment`, gathering.signal);

  async function open(turn: Turn): Promise<string> {
    told = { mode: turn.mode, day: dayOf(now()) };
    const environment = environmentBlock({
      root: session.root,
      shell: turn.env["SHELL"] ?? "/bin/sh",
      mode: turn.mode,
      date: told.day,
      git: await gitState(),
    });
    const own = userInstructions();
    const user = own === undefined ? [] : [`<user_instructions>\n${own}\n</user_instructions>`];
    const project = quoteInstructions(instructions.initial());
    return [environment, ...user, ...(project === "" ? [] : [project])].join("\n\n");
  }

  function note(id: string, place: "before" | "after", text: string) {
    const known = notes.get(id);
    const said = known?.[place];
    notes.set(id, { ...known, [place]: said === undefined ? text : `${said}\n\n${text}` });
  }

  return {
    /** Once at the beginning of each turn: makes the opening, and tells what has changed since the last turn. */
    async begin(turn: Turn, transcript: readonly Message[]): Promise<void> {
      if (opening === undefined) {
        opening = await open(turn);
        return;
      }
      const prompt = transcript.find((message) => message.run_id === turn.run_id && message.role === "user");
      const day = dayOf(now());
      if (prompt !== undefined && turn.mode !== told.mode)
        note(prompt.id, "before", `[The permission mode is now: ${modeText[turn.mode]}]`);
      if (prompt !== undefined && day !== told.day) note(prompt.id, "before", `[The date is now ${day}.]`);
      told = { mode: turn.mode, day };
    },
    request(transcript: readonly Message[], model: Model): ModelRequest {
      let history = histories.get(model.id);
      if (history === undefined) {
        history = createHistory({
          agent: session.agent,
          model: model.id,
          accepts: (name, input) => tools.get(name)?.input.safeParse(input).success ?? false,
          loadFile: createFileLoader(session.root, {
            images: !blind.has(model.id),
            pdf: model.takesPdf && !blind.has(model.id),
          }),
        });
        histories.set(model.id, history);
      }
      let system = systems.get(model.family);
      if (system === undefined) {
        system = systemPrompt(model.family, toolNames);
        systems.set(model.family, system);
      }
      return {
        system,
        tools: tools.forModel,
        messages: history(transcript, opening ?? "", notes),
        conversation: session.session_id,
      };
    },
    /**
     * Whether it is worth asking again because a request was refused for its images: from now on this model is
     * told of them by name, so that one attachment cannot end a session.
     */
    learnsToDoWithoutMedia(model: Model, request: ModelRequest, failure: ModelFailure): boolean {
      const hasMedia = request.messages.some(
        ({ role, content }) => role === "user" && content.some((part) => part.type === "file"),
      );
      const isRefusal = failure.status !== undefined && failure.status >= 400 && !failure.isRetryable;
      if (!hasMedia || !isRefusal || !/image|vision|multi-?modal|media|pdf|document/i.test(failure.message))
        return false;
      blind.add(model.id);
      histories.delete(model.id);
      return true;
    },
    /** Says something to the model after the transcript's last message. */
    noteAfter(transcript: readonly Message[], text: string) {
      const last = transcript.at(-1);
      if (last !== undefined) note(last.id, "after", text);
    },
    /** Instructions of folders that are touched for the first time, to be told with `noteAfter`. */
    instructionsFor: (path: string): string | undefined => {
      const found = instructions.forPath(path);
      return found.length === 0 ? undefined : quoteInstructions(found);
    },
    close() {
      gathering.abort();
    },
  };
}
export type Conversation = ReturnType<typeof createConversation>;
