import { Box, Spacer, Text } from "ink";
import { lineText } from "../text/line.ts";
import type { TranscriptRow, TranscriptView } from "../view/transcript.ts";
import { Row } from "./Row.tsx";

/** The visible rows of the whole conversation, and below them a line with the position and the keys. */
export function Transcript({ transcript }: { transcript: TranscriptView }) {
  return (
    <Box flexDirection="column" minHeight={transcript.rows}>
      {transcript.shown.map(({ line, match }, index) => {
        // A row has no identity but its place.
        const key = `${index}`;
        return match === undefined ? (
          <Row key={key} line={line} />
        ) : (
          <FoundRow key={key} text={lineText(line)} match={match} />
        );
      })}
      <Spacer />
      <Row line={transcript.foot} />
    </Box>
  );
}

/** A row with a search match is drawn without its other colours. */
function FoundRow({ text, match }: { text: string; match: NonNullable<TranscriptRow["match"]> }) {
  return (
    <Text wrap="truncate-end">
      {text.slice(0, match.start)}
      <Text inverse>{text.slice(match.start, match.end)}</Text>
      {text.slice(match.end)}
    </Text>
  );
}
