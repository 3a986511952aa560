import { fetchUsr as load } from "./user.js";
// fetchUsr is called once for each id
export const report = (ids) => ids.map((id) => load(id).name).join(", ");
