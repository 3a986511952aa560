import { Box } from "ink";
import type { Store } from "../state/store.ts";
import type { AppView } from "../view/app-view.ts";
import { PLAN_INDENT } from "../view/plan.ts";
import { Row, Rows } from "./Row.tsx";
import { useSelect } from "./use-select.ts";

/** The agent's plan, with the current entry. */
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
