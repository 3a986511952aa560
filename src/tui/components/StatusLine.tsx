import { Box, Text } from "ink";
import { Fragment } from "react";
import type { Store } from "../state/store.ts";
import type { StatusField } from "../text/status-line.ts";
import { SIDES_GAP, STATUS_INDENT } from "../text/status-line.ts";
import type { AppView } from "../view/app-view.ts";
import { Styled } from "./Styled.tsx";
import { useSelect } from "./use-select.ts";

/** Mode, model, folder and cost on the left, other terminals on the right. */
export function StatusLine({ view }: { view: Store<AppView> }) {
  const status = useSelect(view, ({ live }) => live.status);
  if (status === undefined) return null;
  const { left, right, separator } = status;
  return (
    <Box paddingLeft={STATUS_INDENT} gap={SIDES_GAP}>
      {left.length > 0 && <Fields fields={left} separator={separator} />}
      {right.length > 0 && <Fields fields={right} separator={separator} />}
    </Box>
  );
}

function Fields({ fields, separator }: { fields: readonly StatusField[]; separator: string }) {
  return (
    <Text wrap="truncate-end">
      {fields.map(({ text, token }, index) => (
        <Fragment key={text}>
          {index > 0 && <Styled style="muted">{separator}</Styled>}
          <Styled style={token}>{text}</Styled>
        </Fragment>
      ))}
    </Text>
  );
}
