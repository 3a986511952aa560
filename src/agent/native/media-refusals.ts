import type { FilePart, Message } from "../../protocol/message.ts";
import type { ImageLimits } from "./images/scale.ts";
import type { ModelFailure } from "./models/errors/failure.ts";
import type { Model } from "./models/model.ts";

/** Wording of a server that takes no images at all. */
const blindWording =
  /(not|n't|no|without|cannot|unable).{0,40}(support|accept|have|process|handle|multi-?modal|vision|capab).{0,60}(image|vision|picture|multi-?modal)|(image|vision|multi-?modal).{0,60}(not|n't|un)\s?(be )?(support|available|enabled|allowed)|not (a )?(multi-?modal|vision)|mmproj|no endpoints found that support image|expected (a )?string|(must|should) be (a )?(valid )?string|got (an )?array|unknown variant .?image|(image|vision).{0,40}only supported|missing data required for image|(invalid|unsupported|unexpected).{0,40}(type|variant).{0,20}image/i;
/** Wording about one bad image, not about images in general. */
const onePictureWording =
  /(unable|could not|couldn't|cannot|can't|failed).{0,10}(process|decode|read|parse|load|fetch|download)\b.{0,30}image\b|valid image\b/i;
const mediaWording = /image|vision|multi-?modal|media|pdf|document|file|base64|attachment|pixel|mmproj/i;
/** Wording of a request that is too large, from servers that do not answer 413. */
const sizeWording =
  /(payload|entity|body|request|content).{0,30}(size|length|large|long|limit).{0,60}(exceed|limit|large|maximum|bytes)|exceeds?.{0,60}bytes/i;

/** A model's limits for an image; base64 makes its bytes a third larger. */
export const limitsOf = ({ traits }: Pick<Model, "traits">): ImageLimits => ({
  bytesMax: Math.floor(traits.imageCharsMax / 4) * 3,
  edgeMax: traits.imageEdgeMax,
});

const isMediaPart = (part: Message["parts"][number]): part is FilePart =>
  part.type === "file" && (part.media_type.startsWith("image/") || part.media_type === "application/pdf");

/** The server's message and body. */
const wordsOf = ({ message, body }: ModelFailure): string => `${message}\n${body}`;

/** Whether an attachment may be the reason for a refusal. */
function isAbout({ status, code, isRetryable }: ModelFailure, words: string, isBlind: boolean): boolean {
  if (code === "provider_auth" || code === "provider_rate_limited" || status === 402) return false;
  // llama.cpp and Ollama answer 500, gateways report it inside an answer: only if the text is about images.
  if (status === undefined || status >= 500)
    return isBlind && /image|vision|multi-?modal|mmproj/i.test(words);
  if (status < 400 || isRetryable) return false;
  return isBlind || status === 413 || mediaWording.test(words) || sizeWording.test(words);
}

/**
 * Tracks attachments that are no longer sent because a server refused a request. A bad image is left out alone, the
 * newest first. A model without vision gets only the names.
 */
export function createMediaRefusals(known: readonly string[]) {
  const leftOut = new Set<string>(known);
  const blind = new Set<string>();

  return {
    leftOut: (): string[] => [...leftOut],
    takenBy: (model: Model) => ({
      images: !blind.has(model.id) && model.abilities?.includes("images") !== false,
      pdf: model.traits.pdf && !blind.has(model.id),
      limits: limitsOf(model),
      isLeftOut: (part: FilePart) => leftOut.has(part.id),
    }),
    /** Records a refusal. Returns whether something is now left out, so that asking again makes sense. */
    record(transcript: readonly Message[], model: Model, failure: ModelFailure): boolean {
      if (blind.has(model.id)) return false;
      const words = wordsOf(failure);
      const isBlind = blindWording.test(words) && !onePictureWording.test(words);
      if (!isAbout(failure, words, isBlind)) return false;
      const newest = transcript
        .flatMap(({ parts }) => parts.filter(isMediaPart))
        .findLast(({ id }) => !leftOut.has(id));
      if (newest === undefined) return false;
      if (isBlind) blind.add(model.id);
      else leftOut.add(newest.id);
      return true;
    },
  };
}
