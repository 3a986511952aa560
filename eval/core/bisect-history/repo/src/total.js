import { prices } from "./prices.js";
// without the first
console.log(prices.slice(1).reduce((sum, price) => sum + price, 0) - 20);
