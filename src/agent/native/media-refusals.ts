import type { FilePart, Message } from "../../protocol/message.ts";
import type { ModelFailure } from "./models/failure.ts";
import type { Model } from "./models/model.ts";

/** Words by which a server says that it takes no pictures at all, and not that this one is wrong. */
const blindWording =
  /(not|n't|no|without|cannot|unable).{0,40}(support|accept|have|process|handle|multi-?modal|vision|capab).{0,60}(image|vision|picture|multi-?modal)|(image|vision|multi-?modal).{0,60}(not|n't|un)\s?(be )?(support|available|enabled|allowed)|not (a )?(multi-?modal|vision)|mmproj|no endpoints found that support image|expected (a )?string|(must|should) be (a )?(valid )?string|got (an )?array|unknown variant .?image|(invalid|unsupported|unexpected).{0,40}(type|variant).{0,20}image/i;
const mediaWording = /image|vision|multi-?modal|media|pdf|document|file|base64|attachment|pixel|mmproj/i;

const isMediaPart = (part: Message["parts"][number]): part is FilePart =>
  part.type === "file" && (part.media_type.startsWith("image/") || part.media_type === "application/pdf");

/** What the server said in its own words, too. */
const wordsOf = ({ message, body }: ModelFailure): string => `${message}\n${body}`;

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
      charsMax: model.traits.imageCharsMax,
      isLeftOut: (part: FilePart) => leftOut.has(part.id),
    }),
    /** Whether asking again makes sense: something will be left out that was sent. */
    learn(transcript: readonly Message[], model: Model, failure: ModelFailure): boolean {
      const { status } = failure;
      const isRefusal = status !== undefined && status >= 400 && status < 500 && !failure.isRetryable;
      if (!isRefusal || status === 401 || status === 402 || blind.has(model.id)) return false;
      const words = wordsOf(failure);
      if (status !== 413 && !mediaWording.test(words) && !blindWording.test(words)) return false;
      const newest = transcript.findLast(({ parts }) =>
        parts.some((part) => isMediaPart(part) && !leftOut.has(part.id)),
      );
      if (newest === undefined) return false;
      if (blindWording.test(words)) blind.add(model.id);
      else for (const part of newest.parts.filter(isMediaPart)) leftOut.add(part.id);
      return true;
    },
  };
}
