import { z } from "zod";
import { type EarlyEnd, endTexts } from "../../run/early-end.ts";

/**
 * hearth's own sentences in a conversation. A conversation keeps those that it began with, so that a newer hearth with
 * other words sends it unchanged.
 */
export const phrases = {
  goOn: "Your answer was cut off here before it was complete. Go on exactly where it stopped; do not repeat what is there.",
  noBeginning: "The beginning of this conversation is not available.",
  emptyAnswer: "This answer was empty.",
  meanwhile: "The user wrote the next message while you were working.",
  imageFollows: "The image that was read follows.",
  emptyPrompt: "The user sent an empty message.",
  callCanceled: "Canceled before it finished.",
  callInterrupted: "Interrupted before it finished; what it has done so far is unknown.",
  callNotRun: "This call was not run.",
  outputLeftOut: "This output is left out to save room. Call the tool again if you need it.",
  searched: "The provider of the model that answered here searched the web, and this was found.",
  ends: endTexts,
};
export type Phrases = Readonly<typeof phrases>;

const ends = Object.keys(endTexts) as [EarlyEnd, ...EarlyEnd[]];
const End = z.object({ unanswered: z.string(), cut: z.string() });
const { ends: _, ...sentences } = phrases;
const names = Object.keys(sentences) as (keyof typeof sentences)[];

/** Stored phrases. An older store may lack some. */
export const StoredPhrases = z.object({
  ...(Object.fromEntries(names.map((name) => [name, z.string().optional()])) as Record<
    keyof typeof sentences,
    z.ZodOptional<z.ZodString>
  >),
  ends: z.partialRecord(z.enum(ends), End).optional(),
});

/** The stored phrases, completed by today's. */
export const phrasesFrom = (stored: z.infer<typeof StoredPhrases> | undefined): Phrases => ({
  ...phrases,
  ...Object.fromEntries(Object.entries(stored ?? {}).filter(([, text]) => text !== undefined)),
  ends: { ...endTexts, ...stored?.ends },
});
