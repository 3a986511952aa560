import { Box } from "ink";
import type { Store } from "../state/store.ts";
import type { AppView } from "../view/app-view.ts";
import { PLAN_INDENT } from "../view/plan.ts";
import { Row, Rows } from "./Row.tsx";
import { useSelect } from "./use-select.ts";

/** Where the agent stands in its own list. */
export function Plan({ view }: { view: Store<AppView> }) {
  const plan = useSelect(view, ({ live }) => live.plan);
  if (plan === undefined) return null;
  return (
    <>
      <Row line={plan.head} />
      <Box paddingLeft={PLAN_INDENT} flexDirection="column">
        <Rows lines={plan.entries} />
      </Box>
    </>
  );
}
