import type { Rule } from 'eslint';

export declare const homes: Readonly<Record<string, readonly string[]>>;
export declare const kindsStayHome: Rule.RuleModule;
