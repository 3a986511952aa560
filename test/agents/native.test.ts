import { native } from "./conformance/subjects.ts";
import { conformance } from "./conformance/suite.ts";

conformance(native);
