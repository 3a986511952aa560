import { fetchUsr } from "./user.js";
export const greet = (id) => `Hello, ${fetchUsr(id).name}`;
