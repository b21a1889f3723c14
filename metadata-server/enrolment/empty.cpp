namespace muster {
extern const int empty_room;
const int empty_room = 0;
}  // namespace muster
