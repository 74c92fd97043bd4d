//! The program without any SDK.

fn main() {
    println!("hello");
}
