import { Box, Spacer, Text } from "ink";
import { lineText } from "../text/line.ts";
import type { TranscriptRow, TranscriptView } from "../view/transcript.ts";
import { Row } from "./Row.tsx";

/** A window of the whole conversation, and a line below it that says where it stands and what keys do. */
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

/** A row that holds what is searched for loses its other colours. */
function FoundRow({ text, match }: { text: string; match: NonNullable<TranscriptRow["match"]> }) {
  return (
    <Text wrap="truncate-end">
      {text.slice(0, match.start)}
      <Text inverse>{text.slice(match.start, match.end)}</Text>
      {text.slice(match.end)}
    </Text>
  );
}
