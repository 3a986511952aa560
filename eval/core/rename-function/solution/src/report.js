import { fetchUser as load } from "./user.js";
// fetchUser is called once for each id
export const report = (ids) => ids.map((id) => load(id).name).join(", ");
