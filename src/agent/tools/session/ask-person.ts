import { z } from "zod";
import type { PersonAnswer } from "../../permission/person-question.ts";
import { type Arguments, argumentNormalizer } from "../arguments.ts";
import { defineTool, type ToolResult } from "../tool.ts";

const CHOICES_MAX = 6;
const QUESTION_CHARS_MAX = 4000;
const LABEL_CHARS_MAX = 200;
const DESCRIPTION_CHARS_MAX = 500;

const input = z.object({
  question: z.string().min(1).max(QUESTION_CHARS_MAX),
  choices: z
    .array(
      z.object({
        label: z.string().min(1).max(LABEL_CHARS_MAX).describe("The answer, in a few words"),
        description: z.string().max(DESCRIPTION_CHARS_MAX).optional().describe("What it means"),
      }),
    )
    .max(CHOICES_MAX)
    .default([])
    .describe("The likely answers, the best first; the user can also answer in other words"),
});

/** A question that the person answers, in any terminal. */
export const askTool = defineTool({
  name: "ask",
  kind: "other",
  readOnly: false,
  description:
    "Asks the user one question and waits for the answer. Use it when you cannot find out yourself and a wrong guess would be expensive: what is wanted, which of several ways to take. Offer choices where you can. Do not ask for permission to use a tool: hearth does that.",
  input,
  normalize: normalizeQuestion,
  title: ({ question }) => question ?? "",
  async prepare({ question, choices }, { session }) {
    return {
      async run() {
        const answer = await session.ask({
          kind: "other",
          title: question.split("\n", 1)[0] ?? question,
          detail: {
            type: "question",
            question,
            choices: choices.map(({ label, description }) => ({
              label,
              ...(description === undefined ? {} : { description }),
            })),
            reasons: [],
          },
          options: [
            { decision: "allow_once", label: "answer", rules: [] },
            { decision: "deny", label: "do not answer", rules: [] },
          ],
        });
        return resultOf(answer);
      },
    };
  },
});

function resultOf(answer: PersonAnswer): ToolResult {
  if (answer.kind !== "answered")
    return {
      text: "Nobody is there to answer. Decide yourself, take the way that is easiest to undo, and say in your answer what you assumed.",
    };
  const words = answer.message?.trim() ?? "";
  if (answer.decision !== "deny") return { text: `The user answered: ${words}` };
  return {
    text:
      words === ""
        ? "The user did not answer. Go on with what you know, or end your turn."
        : `The user did not answer, but says: ${words}`,
  };
}

const names = argumentNormalizer({
  names: { question: ["prompt", "text", "message"], choices: ["options", "answers", "suggestions"] },
});
const choiceNames = argumentNormalizer({ names: { label: ["text", "title", "value", "name", "answer"] } });

/** Other agents' tools ask several questions at once; one of them is taken. */
function normalizeQuestion(given: Arguments): Arguments {
  const { questions, ...rest } = given;
  const [first] = Array.isArray(questions) && questions.length === 1 ? questions : [];
  const { question, choices } = names({
    ...(typeof first === "object" && first !== null ? first : {}),
    ...rest,
    ...(typeof first === "string" ? { question: first } : {}),
  });
  return {
    ...(question === undefined ? {} : { question }),
    ...(Array.isArray(choices)
      ? {
          choices: choices.map((choice) =>
            typeof choice === "string" ? { label: choice } : choiceOf(choice),
          ),
        }
      : {}),
  };
}

function choiceOf(choice: unknown): unknown {
  if (typeof choice !== "object" || choice === null) return choice;
  const { label, description } = choiceNames(choice as Arguments);
  return { label, ...(typeof description === "string" ? { description } : {}) };
}
