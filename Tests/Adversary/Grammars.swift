/// Grammars as people write them, with texts that they allow and forbid.
public struct GoodGrammar: Sendable, CustomStringConvertible {
  public var name: String
  public var text: String
  public var allowed: [String]
  public var forbidden: [String]

  public var description: String { name }

  public static let all: [GoodGrammar] = [
    GoodGrammar(
      name: "JSON",
      text: #"""
        # a value after another
        root   ::= ws value
        value  ::= object | list | text | number | ("true" | "false" | "null") ws
        object ::= "{" ws (member ("," ws member)*)? "}" ws
        member ::= text ":" ws value
        list   ::= "[" ws ( value ("," ws value)* )? "]" ws
        text   ::= "\"" ( [^"\\\x00-\x1F] | "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}) )* "\"" ws
        number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9]{1,15})? ws
        ws     ::= | " " | "\n" [ \t]{0,20}
        """#,
      allowed: [#"{"a": [1, -2.5e3, "x\u00e9\n"], "b": null}"#, "[]", "\n  true"],
      forbidden: ["{a:1}", "[1,]", "01"]),
    GoodGrammar(
      name: "sums",
      text: """
        root ::= (sum "=" blank term "\\n")+
        sum ::= term ([-+*/] blank term)*
        term ::= name | [0-9]+ blank | "(" blank sum ")" blank
        name ::= [a-z] [a-z0-9]* blank
        blank ::= [ \\t\\n]*
        """,
      allowed: ["a + 2*(b-3) = 7\n", "1=1\nx=y\n"], forbidden: ["1+=2\n", "=1\n"]),
    GoodGrammar(
      name: "list", text: "root ::= item+\nitem ::= \"- \" [^\\r\\n\\x0b\\u2028]+ \"\\n\"",
      allowed: ["- one\n- zwölf 🐈\n"], forbidden: ["one\n", "- one\u{2028}\n"]),
    GoodGrammar(
      name: "statements",
      text: """
        root ::= function+
        function ::= kind " " name "(" (kind " " name)? ")" "{" statement* "}"
        kind ::= "int" | "float" | "char"
        name ::= [a-zA-Z_] [a-zA-Z_0-9]*
        statement ::=
          ( name " = " value ";" ) |
          ( "return " value ";" ) |
          ( "if(" value ")" "{" statement* "}" ("else" "{" statement* "}")? )
        value ::= part (("<" | "<=" | "==" | "!=" | "*" | "+") part)*
        part ::= name | "-"? [0-9]+ | name "(" (value ("," value)*)? ")" | "(" value ")"
        """,
      allowed: ["int main(){return f(1,(x<=2));}", "char c(int i){if(i){iff = 1;}else{}}"],
      forbidden: ["int main{}", "void f(){}"]),
    GoodGrammar(
      name: "kana and kanji", text: "root ::= ([ ぁ-ん] | [ァ-ヺ] | [、-〾] | [一-龯]){1,40} .?",
      allowed: ["日本語のテスト。", "カナ!"], forbidden: ["abc"]),
    GoodGrammar(
      name: "JSON schema's", text: #"root ::= "{\"id\":" [0-9]{1,255} ",\"name\":\"" [^"]{0,2000} "\"}""#,
      allowed: [#"{"id":17,"name":"cat"}"#], forbidden: [#"{"id":,"name":"cat"}"#]),
  ]
}

/// Grammars that are small to write and large to follow.
public enum HostileGrammar {
  /// `levels` rules of two alternatives each, which begin with the rule before.
  public static func doubling(_ levels: Int) -> String {
    let rules = (1...levels).map { "s\($0) ::= s\($0 - 1) \"x\" | s\($0 - 1) \"y\"" }
    return "root ::= s\(levels)\ns0 ::= \"a\"\n" + rules.joined(separator: "\n")
  }

  /// With each `x` said, two ways become of one.
  public static let growing = #"root ::= "x" root "y" | "x" root "z""#
}
