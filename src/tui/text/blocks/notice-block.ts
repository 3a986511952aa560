import type { NoticePart } from "../../../protocol/message.ts";
import type { NoticeBlock } from "./block.ts";

export const noticeBlock = (id: string, { level, code, text, context }: NoticePart): NoticeBlock => ({
  ...{ id, type: "notice", level, code, text },
  ...(context?.kind === "compacted" ? { detail: context.summary } : {}),
});
