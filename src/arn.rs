//! stub
pub struct Arn {
    pub account: String,
}
impl Arn {
    pub fn parse(t: &str) -> Option<Self> {
        let p: Vec<&str> = t.splitn(6, ':').collect();
        p.get(4).map(|a| Self { account: (*a).to_owned() })
    }
}
