import { conformance } from "./conformance.ts";
import { native } from "./subjects.ts";

conformance(native);
