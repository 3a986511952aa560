import type { FilePart, Message } from "../../protocol/message.ts";
import type { ImageLimits } from "./images/scale.ts";
import type { ModelFailure } from "./models/failure.ts";
import type { Model } from "./models/model.ts";

/** Words by which a server says that it takes no pictures at all, and not that this one is wrong. */
const blindWording =
  /(not|n't|no|without|cannot|unable).{0,40}(support|accept|have|process|handle|multi-?modal|vision|capab).{0,60}(image|vision|picture|multi-?modal)|(image|vision|multi-?modal).{0,60}(not|n't|un)\s?(be )?(support|available|enabled|allowed)|not (a )?(multi-?modal|vision)|mmproj|no endpoints found that support image|expected (a )?string|(must|should) be (a )?(valid )?string|got (an )?array|unknown variant .?image|(image|vision).{0,40}only supported|missing data required for image|(invalid|unsupported|unexpected).{0,40}(type|variant).{0,20}image/i;
/** Words about one picture: what is wrong is that one, and not that the model sees none. */
const onePictureWording =
  /(unable|could not|couldn't|cannot|can't|failed).{0,10}(process|decode|read|parse|load|fetch|download)\b.{0,30}image\b|valid image\b/i;
const mediaWording = /image|vision|multi-?modal|media|pdf|document|file|base64|attachment|pixel|mmproj/i;
/** Words by which a server says that all of it is too much, where it does not say 413. */
const sizeWording =
  /(payload|entity|body|request|content).{0,30}(size|length|large|long|limit).{0,60}(exceed|limit|large|maximum|bytes)|exceeds?.{0,60}bytes/i;

/** What an image may have at a model; its bytes become a third more as base64. */
export const limitsOf = ({ traits }: Pick<Model, "traits">): ImageLimits => ({
  bytesMax: Math.floor(traits.imageCharsMax / 4) * 3,
  edgeMax: traits.imageEdgeMax,
});

const isMediaPart = (part: Message["parts"][number]): part is FilePart =>
  part.type === "file" && (part.media_type.startsWith("image/") || part.media_type === "application/pdf");

/** What the server said in its own words, too. */
const wordsOf = ({ message, body }: ModelFailure): string => `${message}\n${body}`;

/** Whether a refusal can be for an attachment. */
function isAbout({ status, code, isRetryable }: ModelFailure, words: string, isBlind: boolean): boolean {
  if (code === "provider_auth" || code === "provider_rate_limited" || status === 402) return false;
  // llama.cpp and Ollama say 500, gateways say it inside an answer: only where the words are about pictures.
  if (status === undefined || status >= 500)
    return isBlind && /image|vision|multi-?modal|mmproj/i.test(words);
  if (status < 400 || isRetryable) return false;
  return isBlind || status === 413 || mediaWording.test(words) || sizeWording.test(words);
}

/**
 * Which attachments are not sent any more because a server refused a request for them. A picture that is wrong is
 * left out alone, the newest first; a model that sees nothing is told of all of them by name.
 */
export function createMediaRefusals(known: readonly string[]) {
  const leftOut = new Set<string>(known);
  const blind = new Set<string>();

  return {
    leftOut: (): string[] => [...leftOut],
    takenBy: (model: Model) => ({
      images: !blind.has(model.id),
      pdf: model.traits.pdf && !blind.has(model.id),
      limits: limitsOf(model),
      isLeftOut: (part: FilePart) => leftOut.has(part.id),
    }),
    /** Whether asking again makes sense: something will be left out that was sent. */
    learn(transcript: readonly Message[], model: Model, failure: ModelFailure): boolean {
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
