export { type HuggingFaceModel, openHuggingFaceModel } from './read.ts';
export { tokenizerFiles } from './tokenizer.ts';
export { type ExportDtype, exportDtypes, type ModelExport, writeHuggingFaceModel } from './write.ts';
