import { fetchUser } from "./user.js";
export const greet = (id) => `Hello, ${fetchUser(id).name}`;
