import { conformance } from "./conformance.ts";
import { scripted } from "./subjects.ts";

conformance(scripted);
