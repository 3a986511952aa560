import { scripted } from "./conformance/subjects.ts";
import { conformance } from "./conformance/suite.ts";

conformance(scripted);
